#include "storage/base/log.h"

#include "storage/base/quote.h"

#include <spdlog/pattern_formatter.h>
#include <spdlog/sinks/stdout_sinks.h>
#include <spdlog/spdlog.h>

#include <atomic>
#include <memory>

namespace troupe {
namespace {

std::atomic<log_level> current_level{log_level::info};
std::atomic<log_format> current_format{log_format::logfmt};

std::unique_ptr<spdlog::formatter> make_formatter(log_format format) {
  const char* pattern = format == log_format::json ? "{\"time\":\"%Y-%m-%dT%H:%M:%S.%eZ\",%v}"
                                                   : "time=%Y-%m-%dT%H:%M:%S.%eZ %v";
  return std::make_unique<spdlog::pattern_formatter>(pattern, spdlog::pattern_time_type::utc);
}

spdlog::logger& sink() {
  static const auto made = [] {
    auto out = std::make_shared<spdlog::logger>("troupe",
                                                std::make_shared<spdlog::sinks::stderr_sink_mt>());
    out->set_level(spdlog::level::trace);
    out->flush_on(spdlog::level::trace);
    out->set_formatter(make_formatter(log_format::logfmt));
    return out;
  }();
  return *made;
}

std::string_view level_name(log_level level) {
  switch (level) {
    case log_level::debug:
      return "DEBUG";
    case log_level::info:
      return "INFO";
    case log_level::warn:
      return "WARN";
    case log_level::error:
    case log_level::off:
      break;
  }
  return "ERROR";
}

// A logfmt value: quoted only if it needs to be.
void append_value(std::string& out, std::string_view text) {
  bool plain = !text.empty();
  for (const unsigned char c : text)
    plain = plain && c > ' ' && c != '"' && c != '=' && c < 0x7f;
  if (plain)
    out += text;
  else
    append_quoted(out, text);
}

void append_json(std::string& out, std::string_view text) {
  out.push_back('"');
  for (const char c : text) {
    if (c == '"' || c == '\\') {
      out.push_back('\\');
      out.push_back(c);
    } else if (static_cast<unsigned char>(c) < 0x20) {
      out += fmt::format("\\u{:04x}", static_cast<unsigned>(static_cast<unsigned char>(c)));
    } else {
      out.push_back(c);
    }
  }
  out.push_back('"');
}

}  // namespace

void configure_log(log_level level, log_format format) {
  current_level = level;
  current_format = format;
  sink().set_formatter(make_formatter(format));
}

bool log_enabled(log_level level) {
  return level != log_level::off && level >= current_level.load(std::memory_order_relaxed);
}

void write_log(log_level level, std::string_view component, std::string_view message) {
  std::string line;
  if (current_format == log_format::json) {
    line = fmt::format("\"level\":\"{}\",\"component\":", level_name(level));
    append_json(line, component);
    line += ",\"msg\":";
    append_json(line, message);
  } else {
    line = fmt::format("level={} component=", level_name(level));
    append_value(line, component);
    line += " msg=";
    append_value(line, message);
  }
  sink().log(spdlog::level::info, spdlog::string_view_t(line.data(), line.size()));
}

}  // namespace troupe
