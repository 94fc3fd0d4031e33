package storage

import (
	"fmt"
	"image/color"
	"strconv"

	"gonum.org/v1/plot"
	"gonum.org/v1/plot/plotter"
	"gonum.org/v1/plot/plotutil"
	"gonum.org/v1/plot/vg"
)

// curve is a line of a plot.
type curve struct {
	name   string
	points plotter.XYs
}

func (c *curve) add(x, y float64) { c.points = append(c.points, plotter.XY{X: x, Y: y}) }

// writePlot draws curves into an SVG file. x is logarithmic and y begins at 0, so
// that a flat cost is a flat line and a logarithmic one a straight one.
func writePlot(path, title, x, y string, curves []curve) error {
	p := plot.New()
	p.BackgroundColor = color.White // to be read on a dark page as well
	p.Title.Text, p.X.Label.Text, p.Y.Label.Text = title, x, y
	p.X.Scale, p.X.Tick.Marker = plot.LogScale{}, plot.TickerFunc(decadeTicks)
	p.Add(plotter.NewGrid())
	var named []any
	for _, c := range curves {
		named = append(named, c.name, c.points)
	}
	if err := plotutil.AddLinePoints(p, named...); err != nil {
		return fmt.Errorf("plot %s: %w", path, err)
	}
	p.Y.Min = 0
	// Viewers have other fonts than the one that the library measures texts in:
	// leave room for the legend and beside the last label.
	p.Y.Max *= 1.3
	p.X.Max *= 2
	p.Legend.Top, p.Legend.Left = true, true
	if err := p.Save(16*vg.Centimeter, 9*vg.Centimeter, path); err != nil {
		return fmt.Errorf("plot %s: %w", path, err)
	}
	return nil
}

// decadeTicks are those of a logarithmic axis, with labels in digits.
func decadeTicks(low, high float64) []plot.Tick {
	ticks := plot.LogTicks{Prec: -1}.Ticks(low, high)
	for i := range ticks {
		if ticks[i].Label != "" {
			ticks[i].Label = strconv.FormatFloat(ticks[i].Value, 'f', 0, 64)
		}
	}
	return ticks
}
