"""DRF furniture: strict JSON, problem documents, the schema. A leaf: imports no room."""
