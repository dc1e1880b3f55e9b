// Package site has its comment in the wrong place.
package site
