package table

import (
	"fmt"
	"io"
	"reflect"
	"strings"
	"time"

	"github.com/parquet-go/parquet-go"
)

// WriteParquet writes a table as one Parquet file, Zstandard-compressed, every
// column optional. A column is INT64, DOUBLE, BOOLEAN or TIMESTAMP
// (microseconds, UTC) when all its entries are; of whole numbers and others it
// is DOUBLE, and UTF-8 text when it has anything else besides.
func WriteParquet(w io.Writer, t Table) error {
	kinds := make([]parquetKind, len(t.Columns))
	fields := make([]reflect.StructField, len(t.Columns))
	for i, name := range t.Columns {
		if strings.ContainsAny(name, ",\"`") {
			return fmt.Errorf("a Parquet column cannot be named %q", name)
		}
		kinds[i] = t.parquetKind(i)
		// The library keeps the order of a struct's fields, not that of a map's.
		fields[i] = reflect.StructField{Name: fmt.Sprintf("C%d", i), Type: kinds[i].typ,
			Tag: reflect.StructTag(fmt.Sprintf(`parquet:"%s,optional,zstd%s"`, name, kinds[i].options))}
	}
	schema := parquet.SchemaOf(reflect.New(reflect.StructOf(fields)).Interface())
	out := parquet.NewWriter(w, schema, parquet.CreatedBy("prabench", "", ""))
	const batch = 1024
	rows := make([]parquet.Row, 0, batch)
	for n, row := range t.Rows {
		line := make(parquet.Row, len(row))
		for i, v := range row {
			if v == nil {
				line[i] = parquet.NullValue().Level(0, 0, i)
			} else {
				line[i] = kinds[i].value(v).Level(0, 1, i)
			}
		}
		if rows = append(rows, line); len(rows) == batch || n == len(t.Rows)-1 {
			if _, err := out.WriteRows(rows); err != nil {
				return err
			}
			rows = rows[:0]
		}
	}
	return out.Close()
}

// parquetKind is the type of a column and how an entry becomes one of it.
type parquetKind struct {
	typ     reflect.Type
	options string
	value   func(v any) parquet.Value
}

var (
	parquetText = parquetKind{reflect.TypeFor[string](), "", func(v any) parquet.Value { return parquet.ByteArrayValue([]byte(exact(v))) }}
	parquetBool = parquetKind{reflect.TypeFor[bool](), "", func(v any) parquet.Value { return parquet.BooleanValue(v.(bool)) }}
	parquetTime = parquetKind{reflect.TypeFor[int64](), ",timestamp(microsecond)",
		func(v any) parquet.Value { return parquet.Int64Value(v.(time.Time).UnixMicro()) }}
	parquetInt  = parquetKind{reflect.TypeFor[int64](), "", func(v any) parquet.Value { return parquet.Int64Value(wholeNumber(v)) }}
	parquetReal = parquetKind{reflect.TypeFor[float64](), "", func(v any) parquet.Value {
		if x, ok := v.(float64); ok {
			return parquet.DoubleValue(x)
		}
		return parquet.DoubleValue(float64(wholeNumber(v)))
	}}
)

// wholeNumber is an int, int64 or uint64; seeds are below 2⁶³.
func wholeNumber(v any) int64 {
	switch v := v.(type) {
	case int:
		return int64(v)
	case uint64:
		return int64(v)
	}
	return v.(int64)
}

func (t Table) parquetKind(column int) parquetKind {
	seen := map[reflect.Type]bool{}
	for _, row := range t.Rows {
		switch v := row[column].(type) {
		case nil:
		case int, int64, uint64:
			seen[reflect.TypeFor[int64]()] = true
		default:
			seen[reflect.TypeOf(v)] = true
		}
	}
	whole, fraction := seen[reflect.TypeFor[int64]()], seen[reflect.TypeFor[float64]()]
	switch {
	case len(seen) == 2 && whole && fraction, len(seen) == 1 && fraction:
		return parquetReal
	case len(seen) == 1 && whole:
		return parquetInt
	case len(seen) == 1 && seen[reflect.TypeFor[bool]()]:
		return parquetBool
	case len(seen) == 1 && seen[reflect.TypeFor[time.Time]()]:
		return parquetTime
	}
	return parquetText
}
