// Where targets come from. static, file and http act; every other mechanism of Prometheus is
// checked key by key, kept for display and otherwise inert. Plain data.
#pragma once

#include "config/http_client_config.h"

#include <cstdint>
#include <map>
#include <string>
#include <utility>
#include <vector>

namespace troupe::config {

/// One static_config, or one entry of a file_sd or http_sd answer.
struct target_group {
  std::vector<std::string> targets;
  std::map<std::string, std::string> labels;

  bool operator==(const target_group&) const = default;
};

struct file_sd_config {
  std::vector<std::string> files;  ///< absolute or joined paths; the last segment may hold one '*'
  int64_t refresh_interval_ms = 5 * 60 * 1000;

  bool operator==(const file_sd_config&) const = default;
};

struct http_sd_config {
  std::string url;  ///< may hold a password: print it only through mask_url()
  int64_t refresh_interval_ms = 60 * 1000;
  http_client_config client;

  bool operator==(const http_sd_config&) const = default;
};

/// A value kept for display only; what was secret in it is already masked.
struct display_value {
  enum class kind : unsigned char { scalar, list, map };
  kind type = kind::scalar;
  bool raw = false;  ///< a number, boolean or duration: never quoted
  std::string text;
  std::vector<display_value> items;
  std::vector<std::pair<std::string, display_value>> members;

  bool operator==(const display_value&) const = default;
};

/// A mechanism that is parsed without acting: its pool stays empty.
struct inert_sd_config {
  std::string kind;  ///< "kubernetes", as in kubernetes_sd_configs
  http_client_config client;
  std::vector<std::pair<std::string, display_value>> fields;

  bool operator==(const inert_sd_config&) const = default;
};

struct service_discovery {
  std::vector<target_group> static_groups;
  std::vector<file_sd_config> file;
  std::vector<http_sd_config> http;
  std::vector<inert_sd_config> inert;

  bool empty() const {
    return static_groups.empty() && file.empty() && http.empty() && inert.empty();
  }
  bool operator==(const service_discovery&) const = default;
};

}  // namespace troupe::config
