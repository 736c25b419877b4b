#include "config/diagnostics.h"

namespace troupe::config {

std::string diagnostic::to_string() const {
  std::string out = file;
  if (line > 0)
    out += ":" + std::to_string(line) + ":" + std::to_string(column);
  if (!out.empty())
    out += ": ";
  if (!field.empty())
    out += field + ": ";
  return out + message;
}

std::string join(const diagnostics& all) {
  std::string out;
  for (const auto& d : all) {
    if (!out.empty())
      out += '\n';
    out += d.to_string();
  }
  return out;
}

status to_status(const diagnostics& all) {
  return all.empty() ? ok_status() : status(errc::invalid_argument, join(all));
}

}  // namespace troupe::config
