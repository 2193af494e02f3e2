// Package xmlscan checks one XML element, once and strictly, without making a
// tree of it and without allocating.
//
// A Scanner takes the bytes of one whole top-level element as XMPP allows it
// (RFC 6120 §11: no document type, no processing instruction, no comment, no
// entity but the five of XML) and tells the name and attributes of the root
// and where each of its children starts and ends. Bytes that pass may be
// copied into another stream verbatim: names are ASCII, prefixes declared,
// attributes unique, characters legal, depth and counts bounded. A parser that
// follows the standard reads from them what Scan reported.
//
// A Splitter finds where one top-level element ends in a byte stream (TCP).
// It does not check; what it returns goes through a Scanner.
//
// Neither is safe for concurrent use. Results alias the input and the Scanner
// and are valid until its next Scan.
package xmlscan
