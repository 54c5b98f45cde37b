package reference

import "prabench/models/device"

// table views rows of width that indices choose from: however many b holds.
func (d *Backend) table(b device.Buffer, width int) matrix {
	return d.rows(b, b.N/width, width)
}

func (d *Backend) Embed(u, proj, start, inpos, pos, class device.Buffer, labels, order device.Ints, batch, at, n, projAt, projTokens, width, block int) {
	U, S := d.rows(u, batch*n, width), d.rows(start, block, width)
	I, P, C := d.table(inpos, width), d.table(pos, width), d.table(class, width)
	J := d.rows(proj, batch*projTokens, width)
	label, place := d.indices(labels, batch), d.indices(order, at+n)
	for b := range batch {
		for t := range n {
			i, row := at+t, U.row(b*n+t)
			clear(row)
			if i < block {
				addScaled(row, 1, S.row(i))
			} else {
				j := i - block
				if j < projAt || j-projAt >= projTokens {
					panic("reference: embed needs a token that proj does not hold")
				}
				addScaled(row, 1, J.row(b*projTokens+j-projAt))
				addScaled(row, 1, I.row(int(place[j])))
			}
			addScaled(row, 1, P.row(int(place[i])))
			addScaled(row, 1, C.row(int(label[b])))
		}
	}
}

func (d *Backend) EmbedBackward(dproj, dstart, dinpos, dpos, dclass, du device.Buffer, labels, order device.Ints, batch, tokens, width, block int) {
	U, J, S := d.rows(du, batch*tokens, width), d.rows(dproj, batch*tokens, width), d.rows(dstart, block, width)
	I, P, C := d.rows(dinpos, tokens, width), d.rows(dpos, tokens, width), d.table(dclass, width)
	label, place := d.indices(labels, batch), d.indices(order, tokens)
	clear(J.values)
	for b := range batch {
		for i := range tokens {
			g := U.row(b*tokens + i)
			if i < block {
				addScaled(S.row(i), 1, g)
			} else {
				addScaled(J.row(b*tokens+i-block), 1, g)
				addScaled(I.row(int(place[i-block])), 1, g)
			}
			addScaled(P.row(int(place[i])), 1, g)
			addScaled(C.row(int(label[b])), 1, g)
		}
	}
}
