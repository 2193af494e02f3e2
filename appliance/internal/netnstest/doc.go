// Package netnstest gives a test networks of its own: empty namespaces of the
// real kernel, with virtual cables between them, in which it may change
// everything.
//
// Run executes the test once more inside such a namespace, as root when the
// test is root, else as root of a user namespace. Only where the kernel
// forbids both is the test skipped. Inside, NewHost makes further namespaces,
// for the other machines on the cable, and Capture watches what goes over it:
// a packet to an address outside the test's own networks fails the test.
package netnstest
