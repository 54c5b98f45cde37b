package metrics

import "fmt"

// Pictures are images as bytes, Pixels [N, Size, Size, Channels].
type Pictures struct {
	N, Size, Channels int
	Pixels            []uint8
	// Labels are the classes of the N images, or nil; they only decide how
	// images are dealt to the blocks of an interval.
	Labels []int32
}

func (p Pictures) check() error {
	if p.N < 4 {
		return fmt.Errorf("%d images; an interval needs at least 4", p.N)
	}
	if p.Size < 1 || p.Channels < 1 || len(p.Pixels) != p.N*p.Size*p.Size*p.Channels {
		return fmt.Errorf("%d bytes for %d images of %d×%d×%d", len(p.Pixels), p.N, p.Size, p.Size, p.Channels)
	}
	if p.Labels != nil && len(p.Labels) != p.N {
		return fmt.Errorf("%d labels for %d images", len(p.Labels), p.N)
	}
	return nil
}

// image i's bytes [Size, Size, Channels].
func (p Pictures) image(i int) []uint8 {
	per := p.Size * p.Size * p.Channels
	return p.Pixels[i*per : (i+1)*per]
}

// deal gives the images of each block of an interval.
func (p Pictures) deal() [][]int {
	block, n := deal(Features{N: p.N, Labels: p.Labels})
	return members(block, n)
}

// samePictures checks two sets that are to be compared.
func samePictures(real, gen Pictures) error {
	if err := real.check(); err != nil {
		return fmt.Errorf("real images: %w", err)
	}
	if err := gen.check(); err != nil {
		return fmt.Errorf("generated images: %w", err)
	}
	if real.Size != gen.Size || real.Channels != gen.Channels {
		return fmt.Errorf("real images of %d×%d×%d against generated ones of %d×%d×%d", real.Size, real.Size, real.Channels, gen.Size,
			gen.Size, gen.Channels)
	}
	return nil
}
