// Logging: one named logger per module, logfmt or JSON lines on stderr as Prometheus prints them.
// Thread-safe.
#pragma once

#include <fmt/core.h>

#include <string>
#include <string_view>

namespace troupe {

enum class log_level : unsigned char { debug, info, warn, error, off };
enum class log_format : unsigned char { logfmt, json };

/// Process-wide, set once by main (and by tests).
void configure_log(log_level level, log_format format);
bool log_enabled(log_level level);
/// `component` names the module ("scrape"); `message` is one line.
void write_log(log_level level, std::string_view component, std::string_view message);

/// A module's handle: `static const logger log("scrape"); log.info("scraped {} targets", n);`
class logger {
 public:
  explicit constexpr logger(std::string_view component) : component_(component) {}
  template <class... A>
  void debug(fmt::format_string<A...> f, A&&... a) const {
    at(log_level::debug, f, std::forward<A>(a)...);
  }
  template <class... A>
  void info(fmt::format_string<A...> f, A&&... a) const {
    at(log_level::info, f, std::forward<A>(a)...);
  }
  template <class... A>
  void warn(fmt::format_string<A...> f, A&&... a) const {
    at(log_level::warn, f, std::forward<A>(a)...);
  }
  template <class... A>
  void error(fmt::format_string<A...> f, A&&... a) const {
    at(log_level::error, f, std::forward<A>(a)...);
  }

 private:
  template <class... A>
  void at(log_level level, fmt::format_string<A...> f, A&&... a) const {
    if (log_enabled(level))
      write_log(level, component_, fmt::format(f, std::forward<A>(a)...));
  }
  std::string_view component_;
};

}  // namespace troupe
