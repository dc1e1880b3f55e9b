// Package dataserve has another.
package dataserve
