// Package bwe estimates the bandwidth of the line to one receiver from its
// transport-wide feedback.
//
// An [Estimator] is told, packet by packet, when each left and when it came
// ([Estimator.Packet]), concludes after each feedback message
// ([Estimator.Update]), and says what may be sent ([Estimator.Target]) and
// whether it wants to know more ([Estimator.Probe]). It is pure: no clock, no
// lock, no goroutine, and nothing is allocated after its creation.
//
// Three signals make the estimate:
//
//   - Delay. Packets that left within some milliseconds are a group; the
//     slope of the delays of the latest groups tells a queue that grows from
//     one that does not. A slope alone is also what a busy receiver looks
//     like, so it counts only while a queue stands: while even the fastest of
//     the latest packets was slower than usual. Then the estimate falls below
//     what arrives.
//   - Loss beyond what the line always has. Radio loses packets whatever is
//     sent; sending less does not help there.
//   - Probes: short bursts, faster than the estimate, whose packets show by
//     their distances at arrival what the line can do. A conference seldom
//     sends as much as it may, and what is not sent proves nothing; so this is
//     how an estimate starts, and how it comes back.
//
// The method is that of Google's congestion control (draft-ietf-rmcat-gcc),
// and the constants are those in use with it, where no other reason is given.
package bwe
