// Prometheus' blocks as something to import. Plain function.
#pragma once

#include "storage/offline/importer.h"
#include "storage/tsdb/folder.h"

namespace troupe::storage {

/// All blocks of a folder, merged where they overlap.
import_source tsdb_source(const tsdb::folder& from);

}  // namespace troupe::storage
