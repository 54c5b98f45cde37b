package embed

import "testing"

func BenchmarkTrainStep(b *testing.B) {
	net, _ := newNetwork(28, 1, 10)
	l := newLearner(net, 1, 2)
	for i := range l.images {
		l.images[i] = uint8(i * 7)
	}
	for b.Loop() {
		l.step(1e-4)
	}
	b.ReportMetric(float64(b.N*batchImages)/b.Elapsed().Seconds(), "images/s")
}

func BenchmarkClassifier(b *testing.B) {
	net, _ := newNetwork(28, 1, 10)
	c := newClassifier(net, About{Size: 28, Channels: 1}, nil)
	images := make([]uint8, 1024*784)
	for i := range images {
		images[i] = uint8(i * 7)
	}
	for b.Loop() {
		if _, err := c.Embed(images, 1024, 28, 1, 2); err != nil {
			b.Fatal(err)
		}
	}
	b.ReportMetric(float64(b.N*1024)/b.Elapsed().Seconds(), "images/s")
}

func BenchmarkTernary(b *testing.B) {
	t, _ := NewTernary(1)
	images := make([]uint8, 1024*784)
	for b.Loop() {
		if _, err := t.Embed(images, 1024, 28, 1, 2); err != nil {
			b.Fatal(err)
		}
	}
	b.ReportMetric(float64(b.N*1024)/b.Elapsed().Seconds(), "images/s")
}
