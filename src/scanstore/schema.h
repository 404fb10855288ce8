// The tables of the scan store, STATE/scans/scans.db (docs/operations.md). Times are ns since 1970, NULL: unknown.
#pragma once

#include "scanstore/database.h"

namespace thorlog {

// Makes what is missing. Errors: the file is no database, or was made by a newer thorlogd.
Status make_schema(Database& database);

}  // namespace thorlog
