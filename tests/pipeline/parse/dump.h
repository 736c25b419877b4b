// Renders everything a parser yields as one line per entry, for comparing.
#pragma once

#include "pipeline/parse/exposition.h"
#include "storage/base/quote.h"

#include <fmt/format.h>

#include <bit>
#include <string>
#include <string_view>

namespace troupe::parse {

inline std::string show_value(double v) {
  if (v != v)
    return fmt::format("NaN:{:016x}", std::bit_cast<uint64_t>(v));
  return fmt::format("{}", v);
}

template <class Parser>
std::string show_series(Parser& p) {
  labels_builder b;
  if (const auto s = p.read_labels(b); !s.ok())
    return "bad labels: " + std::string(s.message()) + "\n";
  std::string out = b.build().to_string() + " = " + show_value(p.value());
  if (p.has_timestamp())
    out += fmt::format(" @{}", p.timestamp());
  if (p.has_exemplar()) {
    out += " # " + read_exemplar_labels(p.exemplar().labels).to_string() + " " +
           show_value(p.exemplar().value);
    if (p.exemplar().has_timestamp)
      out += fmt::format(" @{}", p.exemplar().ts);
  }
  return out + "\n";
}

template <class Parser>
std::string dump(std::string_view body) {
  Parser p(body);
  std::string out;
  while (true) {
    switch (p.next()) {
      case entry::end:
        return out + "end\n";
      case entry::error:
        return out + "error: " + p.error() + "\n";
      case entry::comment:
        out += "comment\n";
        break;
      case entry::help:
        out += "help " + p.family() + ": " + troupe::quoted(p.text()) + "\n";
        break;
      case entry::unit:
        out += "unit " + p.family() + ": " + p.text() + "\n";
        break;
      case entry::type:
        out += "type " + p.family() + ": " + std::string(to_string(p.type())) + "\n";
        break;
      case entry::series:
        out += show_series(p);
        break;
    }
  }
}

}  // namespace troupe::parse
