// Package class plays a class that takes part in a quiz: native members that do what a student's page does, and
// keep every byte that the host sends them, so that a test can look for what must not be among them.
package class
