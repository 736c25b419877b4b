// `troupe storage …` as a plain struct.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

namespace troupe::config {

/// Which fields act depends on `what`; see the usage text. Times are as given: Unix seconds or RFC
/// 3339, "" for unbounded.
struct storage_command {
  enum class kind : unsigned char {
    analyze,
    verify,
    dump,
    import_tsdb,
    import_openmetrics,
    export_tsdb,
    export_openmetrics
  };
  kind what = kind::analyze;
  std::string dir = "data/";  ///< the data folder
  std::string tenant;
  std::vector<std::string> matches;  ///< selectors, any of them; none: all series
  std::string start, end;
  bool json = false;  ///< --output json
  bool dry_run = false;
  uint64_t limit = 20;  ///< analyze: lines of each list
  std::string block;    ///< analyze: only this one
  std::string path;     ///< import: where from; export: where to
  int64_t min_block_ms = 2LL * 3600 * 1000;
};

}  // namespace troupe::config
