package reference

import "prabench/models/device"

// table views rows of width that indices choose from: however many b holds.
func (d *Backend) table(b device.Buffer, width int) matrix {
	return d.rows(b, b.N/width, width)
}

var _ = device.On(&ops, func(d *Backend, o *device.Embed) {
	U, S := d.rows(o.U, o.Batch*o.N, o.Width), d.rows(o.Start, o.Block, o.Width)
	var I, P, J, C matrix
	var label []int32
	places, classes := !o.Pos.Absent(), !o.Class.Absent()
	if classes {
		C, label = d.table(o.Class, o.Width), d.indices(o.Labels, o.Batch)
	}
	if places {
		I, P = d.table(o.InPos, o.Width), d.table(o.Pos, o.Width)
	}
	if !o.Proj.Absent() {
		J = d.rows(o.Proj, o.Batch*o.ProjTokens, o.Width)
	}
	place := d.indices(o.Order, o.At+o.N)
	for b := range o.Batch {
		for t := range o.N {
			i, row := o.At+t, U.row(b*o.N+t)
			clear(row)
			if i < o.Block {
				addScaled(row, 1, S.row(i))
			} else {
				j := i - o.Block
				addScaled(row, 1, J.row(b*o.ProjTokens+j-o.ProjAt))
				if places {
					addScaled(row, 1, I.row(int(place[j])))
				}
			}
			if places {
				addScaled(row, 1, P.row(int(place[i])))
			}
			if classes {
				addScaled(row, 1, C.row(int(label[b])))
			}
		}
	}
})

var _ = device.On(&ops, func(d *Backend, o *device.EmbedBackward) {
	U, J, S := d.rows(o.DU, o.Batch*o.Tokens, o.Width), d.rows(o.DProj, o.Batch*o.Tokens, o.Width), d.rows(o.DStart, o.Block, o.Width)
	var I, P, C matrix
	var label []int32
	places, classes := !o.DPos.Absent(), !o.DClass.Absent()
	if classes {
		C, label = d.table(o.DClass, o.Width), d.indices(o.Labels, o.Batch)
	}
	if places {
		I, P = d.rows(o.DInPos, o.Tokens, o.Width), d.rows(o.DPos, o.Tokens, o.Width)
	}
	place := d.indices(o.Order, o.Tokens)
	clear(J.values)
	for b := range o.Batch {
		for i := range o.Tokens {
			g := U.row(b*o.Tokens + i)
			if i < o.Block {
				addScaled(S.row(i), 1, g)
			} else {
				addScaled(J.row(b*o.Tokens+i-o.Block), 1, g)
				if places {
					addScaled(I.row(int(place[i-o.Block])), 1, g)
				}
			}
			if places {
				addScaled(P.row(int(place[i])), 1, g)
			}
			if classes {
				addScaled(C.row(int(label[b])), 1, g)
			}
		}
	}
})
