package main

import (
	"math"
	"testing"
)

func TestFit(t *testing.T) {
	t.Parallel()
	a, b, r2 := fit([]float64{1, 2, 3, 10}, []float64{5, 7, 9, 23})
	if math.Abs(a-3) > 1e-9 || math.Abs(b-2) > 1e-9 || math.Abs(r2-1) > 1e-9 {
		t.Errorf("3 + 2x is taken for %v + %vx, R² %v", a, b, r2)
	}
	if _, b, r2 := fit([]float64{1, 2, 3, 4}, []float64{1, -1, 1, -1}); math.Abs(b) > 0.5 || r2 > 0.5 {
		t.Errorf("noise is taken for a slope of %v, R² %v", b, r2)
	}
	if _, _, r2 := fit([]float64{1}, []float64{1}); !math.IsNaN(r2) {
		t.Errorf("one point has R² %v", r2)
	}
}
