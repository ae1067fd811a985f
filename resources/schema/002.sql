-- What is needed to repeat a run and is no setting of it: how the program was built, which libraries and instruction set
-- computed, fingerprints of draft models, the state of the machine.
CREATE TABLE provenance (
  run   INTEGER NOT NULL REFERENCES runs (id) ON DELETE CASCADE,
  name  TEXT NOT NULL,
  value TEXT NOT NULL,
  PRIMARY KEY (run, name)
) STRICT, WITHOUT ROWID;

-- runs.process is from now on the number whose byte the living owner locks in STORE-owners; before it named host and process.
UPDATE runs SET process = '';
