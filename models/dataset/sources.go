package dataset

import "path/filepath"

// Source says of one set whether it can be loaded now, and how to get it.
type Source struct {
	Set         string
	Description string
	Available   bool   // Load works without further steps (data.root apart)
	Where       string // folder of its files; "" when not available or drawn
	How         string // what to do to get or use it
}

// Sources describes every set on this machine, from names and sizes of files.
func Sources() []Source {
	all := []Source{
		{Set: MNIST, Description: "handwritten digits, 28×28 grey, 10 classes, 60000 + 10000 images", How: "prabench data fetch mnist"},
		{Set: FashionMNIST, Description: "clothes, 28×28 grey, 10 classes, 60000 + 10000 images", How: "prabench data fetch fashion-mnist"},
		{Set: CIFAR10, Description: "small photographs, 32×32 RGB, 10 classes, 50000 + 10000 images", How: "unpack " + cifarAddress +
			" and set data.root to the folder"},
		{Set: Folder, Description: "your own PNG, JPEG, WebP or BMP files, a folder for each class",
			How: "set data.root to the folder and data.size to a side in pixels"},
		{Set: ImageNet, Description: "ImageNet at 256×256 RGB, 1000 classes",
			How: "set data.root to a folder with train and val folders; plan works without"},
		{Set: Shapes, Description: "eight shapes drawn by the program, RGB, any size, 20000 + 4000 images or data.limit", How: "nothing to get",
			Available: true},
	}
	for i := range all {
		s := &all[i]
		switch s.Set {
		case MNIST, FashionMNIST:
			if paths, err := locateIDX(s.Set, ""); err == nil {
				s.Available, s.Where = true, filepath.Dir(paths[0])
			}
		case CIFAR10:
			if dir, err := locateCIFAR(""); err == nil {
				s.Available, s.Where = true, dir
			}
		}
	}
	return all
}
