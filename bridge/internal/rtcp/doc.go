// Package rtcp reads and writes RTCP for the bridge, and keeps what reports
// are made of: reception statistics, and the arrival times and send times
// behind transport-wide feedback.
//
// It is pure, like package rtp: times are passed in, nothing is locked,
// nothing sends. Reading walks the compound in place and writing appends to a
// buffer of the caller, so neither allocates.
package rtcp
