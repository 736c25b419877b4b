#include "actors/commands/bench_output.h"

#include <boost/json.hpp>
#include <fmt/format.h>

#include <cmath>

namespace troupe::actors {

std::string figures::text(size_t indent) const {
  std::string out;
  for (const auto& [name, v] : all_) {
    out += fmt::format("{:{}}{}: ", "", indent, name);
    if (const auto* list = std::get_if<std::vector<figures>>(&v)) {
      out += "\n";
      for (const auto& f : *list)
        out += f.text(indent + 2) + "\n";
    } else if (const auto* number = std::get_if<double>(&v)) {
      out += fmt::format("{:.6g}\n", *number);
    } else if (const auto* count = std::get_if<uint64_t>(&v)) {
      out += fmt::format("{}\n", *count);
    } else {
      out += std::get<std::string>(v) + "\n";
    }
  }
  return out;
}

std::string figures::json() const {
  std::string out = "{";
  for (const auto& [name, v] : all_) {
    out += (out.size() > 1 ? ", " : "") + boost::json::serialize(boost::json::string(name)) + ": ";
    if (const auto* list = std::get_if<std::vector<figures>>(&v)) {
      out += "[";
      for (size_t i = 0; i < list->size(); ++i)
        out += (i > 0 ? ", " : "") + (*list)[i].json();
      out += "]";
    } else if (const auto* number = std::get_if<double>(&v)) {
      out += std::isfinite(*number) ? fmt::format("{}", *number) : "null";
    } else if (const auto* count = std::get_if<uint64_t>(&v)) {
      out += fmt::format("{}", *count);
    } else {
      out += boost::json::serialize(boost::json::string(std::get<std::string>(v)));
    }
  }
  return out + "}";
}

}  // namespace troupe::actors
