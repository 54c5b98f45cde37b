-- Version 4. Which kinds of stages there are, and their order, is data: the
-- program that plans says so, and whoever reads need not know them. These are the
-- kinds that there were when this table came; a plan with others adds them.

CREATE TABLE kind (
  name  TEXT PRIMARY KEY,
  place INTEGER NOT NULL,                -- in the order of a cell's chain
  own   INTEGER NOT NULL                 -- 1: its results stand on themselves, wherever its inputs were made
) WITHOUT ROWID;
INSERT INTO kind(name, place, own) VALUES
  ('reference', 0, 0), ('train', 1, 0), ('sample', 2, 0), ('score', 3, 0), ('probe', 4, 0),
  ('exposure', 5, 0), ('seam', 6, 0), ('nearest', 7, 0), ('time', 8, 1);
