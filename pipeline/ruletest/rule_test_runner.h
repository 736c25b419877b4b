// `troupe test rules`: runs unit tests of rules as promtool does. One thread; the store is the
// caller's.
#pragma once

#include "config/load.h"
#include "config/rule_test_file.h"
#include "pipeline/rules/expander.h"
#include "query/parser/parser.h"
#include "storage/model/batch.h"
#include "storage/querier.h"

#include <string>
#include <vector>

namespace troupe::rules {

/// Where a test keeps its samples.
class test_store {
 public:
  virtual ~test_store() = default;
  virtual status clear() = 0;
  /// The samples must be visible to queries afterwards.
  virtual status append(const batch_ptr& batch) = 0;
  virtual storage::queryable& data() = 0;
};

struct rule_test_options {
  config::load_options load;  ///< checks of rule files
  query::parse_options parse;
  const template_expander* templates = nullptr;
  std::vector<std::string> run;  ///< tests whose name one of these patterns finds; empty: all
};

struct rule_test_report {
  std::vector<std::string> errors;  ///< empty: all is as expected
  std::vector<std::string> warnings;
  size_t tests = 0;  ///< that were run
};

/// Runs all tests of a file, each on an emptied store.
rule_test_report run_rule_tests(const std::string& path, file_system& fs, test_store& store,
                                const rule_test_options& options);

}  // namespace troupe::rules
