package transport

// Batch collects sealed packets to many receivers until they are sent
// together. It flushes by itself when it is full.
type Batch struct{}

// Flush sends what has been collected. Readers flush theirs themselves at the
// end of each read; only the holder of a [Port.NewBatch] needs to call it.
func (b *Batch) Flush() {}
