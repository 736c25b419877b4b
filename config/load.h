// Reads configuration files into a config: parse, fill in, check. All errors of all files are
// collected; nothing is half applied. No global state: the environment and files come in from
// outside.
#pragma once

#include "config/config.h"
#include "config/diagnostics.h"
#include "storage/base/file_system.h"

#include <functional>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

namespace troupe::config {

struct load_options {
  /// Value of an environment variable, "" if unset; for external_labels.
  std::function<std::string(const std::string&)> environment;
  /// Checks a rule's expression (the PromQL parser); empty: expressions stay text.
  std::function<status(std::string_view)> check_expression;
  /// Checks a series selector; empty: all are accepted.
  std::function<status(std::string_view)> check_selector;
  /// Checks a template of the labels or annotations of an alert; empty: all are accepted.
  std::function<status(std::string_view text, std::string_view alert)> check_template;
  /// --enable-feature=extra-scrape-metrics
  bool extra_scrape_metrics = false;
  /// --enable-feature=native-histograms
  bool native_histograms = false;
  /// --troupe.config.file: read for its blocks, not for its flags; "": none.
  std::string own_file;
  /// There may be an own file that is not known here: clusters of Kafka are taken as they are
  /// named.
  bool without_own_file = false;
  /// Read the files behind rule_files and scrape_config_files.
  bool follow_files = true;
};

struct loaded_config {
  std::shared_ptr<const config> value;  ///< null if there is any error
  diagnostics errors;
  /// What a person should know: empty variables, inert keys in use (one line per name).
  std::vector<std::string> warnings;
};

/// Loads a file; paths in it are relative to its folder.
loaded_config load_config(file_system& fs, const std::string& path, const load_options& options);
/// Loads a text as if it stood in the file `name`.
loaded_config parse_config(std::string_view text, const std::string& name, file_system& fs,
                           const load_options& options);
/// What runs when there is no configuration file: troupe scrapes itself at `listen_address`
/// ("0.0.0.0:9090": any host means localhost) below `route_prefix` ("/").
std::string embedded_config(std::string_view listen_address, std::string_view route_prefix = "/");

/// Rule groups of one file; appends errors.
std::vector<rule_group_config> parse_rule_file(std::string_view text, const std::string& file,
                                               bool utf8, const load_options& options,
                                               diagnostics& errors);
/// A list of static_configs, YAML or JSON, as file_sd and http_sd give it.
result<std::vector<target_group>> parse_target_groups(std::string_view text,
                                                      const std::string& name);
/// An http_config on its own (promtool's --http.config.file).
result<http_client_config> load_http_client_config(file_system& fs, const std::string& path);
/// A cluster on its own, with the keys that it has under `kafka`; it may be without a name.
result<kafka_config> load_kafka_config(file_system& fs, const std::string& path);

/// The configuration as /api/v1/status/config shows it: defaults filled in, secrets as <secret>,
/// URLs masked.
std::string to_yaml(const config& c);

}  // namespace troupe::config
