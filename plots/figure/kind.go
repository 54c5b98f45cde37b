package figure

import (
	"fmt"
	"slices"
)

// Kind is a kind of figure.
type Kind struct {
	Name   string
	Doc    string  // what it shows, as a phrase
	Fields []Field // keys of [[figure]] that it takes, besides those of every kind
	Needs  Need    // what it is drawn from besides means
	Text   bool    // it is text (Markdown, LaTeX), not a picture

	// Check says what is wrong with the fields together, so that the figure can
	// never be drawn; nil when each is right by itself.
	Check func(Figure) error

	wide func(Figure) bool // takes both columns of a page
}

// Need is what a kind is drawn from besides the means of cells.
type Need int

// What there is to draw from.
const (
	Means      Need = iota // nothing else
	Images                 // generated images
	Curves                 // what training logged
	StepErrors             // the error of each AR step
	Trials                 // what cells chose their sampling from
)

// Stages are those that make what is needed; nil is all that a cell has.
func (n Need) Stages() []string {
	switch n {
	case Images:
		return []string{"train", "sample"}
	case Curves:
		return []string{"train"}
	case StepErrors:
		return []string{"train", "exposure"}
	case Trials:
		return []string{"reference", "train", "tune"}
	}
	return nil
}

// OneSeed says that it exists once per cell and seed and has no mean, so that
// figures show the first seed's.
func (n Need) OneSeed() bool { return n == Images || n == Curves || n == Trials }

// Kinds are all kinds, in the order of the documentation.
func Kinds() []Kind { return slices.Clone(kinds) }

// KindNames are the names of all kinds.
func KindNames() []string {
	names := make([]string, len(kinds))
	for i, k := range kinds {
		names[i] = k.Name
	}
	return names
}

// Of finds a kind by its name; one that is not known is empty, and false.
func Of(name string) (Kind, bool) {
	i := slices.IndexFunc(kinds, func(k Kind) bool { return k.Name == name })
	if i < 0 {
		return Kind{}, false
	}
	return kinds[i], true
}

// Field finds the field of a key.
func (k Kind) Field(key string) (Field, bool) {
	return find(k.All(), key)
}

// All are the keys of [[figure]] that the kind takes, besides kind itself: those of
// every kind, its own, and those of its appearance.
func (k Kind) All() []Field { return slices.Concat(common, k.Fields, k.looks()) }

// Looks are those of its appearance.
func (k Kind) Looks() []Field { return k.looks() }

// Keys are the names of all keys that a [[figure]] of the kind may have.
func (k Kind) Keys() []string {
	keys := []string{"kind"}
	for _, f := range k.All() {
		keys = append(keys, f.Key)
	}
	return keys
}

// Needs is what the figure is drawn from besides means.
func (f Figure) Needs() Need {
	k, _ := Of(f.Kind)
	return k.Needs
}

// Text says that the figure is text, not a picture.
func (f Figure) Text() bool {
	k, _ := Of(f.Kind)
	return k.Text
}

// Wide says that the figure has panels side by side, or is otherwise too wide
// for one column of a page of two.
func (f Figure) Wide() bool {
	k, _ := Of(f.Kind)
	return f.Facet != "" || k.wide != nil && k.wide(f)
}

// Check says why the figure can never be drawn, whatever the data.
func (f Figure) Check() error {
	if k, _ := Of(f.Kind); k.Check != nil {
		if err := k.Check(f); err != nil {
			return err
		}
	}
	return f.checkLook()
}

// Names are the metrics and keys that the figure shows, the one it is about
// first: y before x.
func (f Figure) Names() []string {
	return f.names(func(field Field) bool { return field.Is != 0 || field.Words != nil })
}

// Metrics are those of the names that stand where a metric may: in a curve, which
// shows what training logged, train_loss is not the metric of that name.
func (f Figure) Metrics() []string {
	return f.names(func(field Field) bool { return field.Is&Metric != 0 })
}

func (f Figure) names(of func(Field) bool) []string {
	k, _ := Of(f.Kind)
	var names []string
	for _, field := range k.Fields {
		if !of(field) {
			continue
		}
		switch to := field.To(&f).(type) {
		case *string:
			if field.Key == "y" {
				names = append([]string{*to}, names...)
			} else {
				names = append(names, *to)
			}
		case *[]string:
			names = append(names, *to...)
		}
	}
	return slices.DeleteFunc(names, func(n string) bool { return n == "" })
}

// FieldError is a mistake in a key of [[figure]].
type FieldError struct{ Key, Problem string }

func (e *FieldError) Error() string { return e.Key + ": " + e.Problem }

func errorf(key, format string, args ...any) error {
	return &FieldError{key, fmt.Sprintf(format, args...)}
}

func always(Figure) bool { return true }
