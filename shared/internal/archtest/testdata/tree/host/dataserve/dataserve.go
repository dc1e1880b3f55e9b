// Package dataserve has one comment.
package dataserve
