"""Static files: named by their content, compressed once at set-up."""

from __future__ import annotations

from whitenoise.storage import CompressedManifestStaticFilesStorage


class ModuleManifestStorage(CompressedManifestStaticFilesStorage):  # type: ignore[misc]
    """WhiteNoise's manifest storage that also rewrites `import … from './x.js';` in ES modules."""

    support_js_module_import_aggregation = True
    manifest_strict = False
