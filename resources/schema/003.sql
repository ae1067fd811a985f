-- What an interrupted evaluation in lockstep with the dense model needs to go on with: each scored position of an item, as the
-- engine packs it. Gone when the run is done.
CREATE TABLE positions (
  run  INTEGER NOT NULL REFERENCES runs (id) ON DELETE CASCADE,
  item INTEGER NOT NULL,
  data BLOB NOT NULL,
  PRIMARY KEY (run, item)
) STRICT, WITHOUT ROWID;
