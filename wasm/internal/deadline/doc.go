// Package deadline has the condition variable on which a stream's blocked calls wait: for a change,
// or for their deadline. It knows nothing of what changes.
package deadline
