// Constants of the configuration, Prometheus 3's unless said otherwise. Those that are one struct's
// alone stand as initial values in that struct.
#pragma once

#include <cstddef>
#include <cstdint>
#include <string_view>

namespace troupe::config::defaults {

inline constexpr int64_t second_ms = 1'000;
inline constexpr int64_t minute_ms = 60 * second_ms;

/// Milliseconds; one sample a minute keeps an untuned server small.
inline constexpr int64_t scrape_interval_ms = minute_ms;
/// Milliseconds; at most the interval.
inline constexpr int64_t scrape_timeout_ms = 10 * second_ms;
/// Milliseconds; also the step of a subquery that names none.
inline constexpr int64_t evaluation_interval_ms = minute_ms;
/// Bytes of a configuration, rule or web configuration file; a tenfold of the largest seen in use.
inline constexpr size_t max_file_bytes = 8u << 20;
/// Bytes of a file of targets (file_sd): 100,000 targets with labels fit.
inline constexpr size_t max_target_file_bytes = 32u << 20;
/// Values of a file of targets after expansion of aliases.
inline constexpr size_t max_target_file_nodes = 2'000'000;
/// Files that one glob pattern may match; a pattern that hits a data folder must not stall a
/// reload.
inline constexpr size_t max_glob_matches = 10'000;
/// Errors kept of one load: beyond that a file is not what it was meant to be.
inline constexpr size_t max_errors = 1'000;
/// Where the configuration is looked for, relative to the working directory.
inline constexpr std::string_view config_file = "prometheus.yml";
/// The grant_type of oauth2 that asks for a token with a signed JWT.
inline constexpr std::string_view jwt_grant_type = "urn:ietf:params:oauth:grant-type:jwt-bearer";
/// Days that samples are kept when neither a time nor a size is set.
inline constexpr int64_t retention_ms = 15 * 24 * 60 * minute_ms;

}  // namespace troupe::config::defaults
