#include "pipeline/bench/profile.h"

#include "pipeline/parse/text_parser.h"
#include "storage/base/check.h"

namespace troupe::bench {

profile::profile(std::string name, const std::string& text) : name_(std::move(name)) {
  // The parser wants a value on each series line.
  std::string body;
  for (size_t at = 0; at < text.size();) {
    const auto eol = text.find('\n', at);
    TROUPE_CHECK(eol != std::string::npos);
    body.append(text, at, eol - at);
    if (text[at] != '#' && eol != at)
      body += " 0";
    body += '\n';
    at = eol + 1;
  }
  parse::text_parser p(body);
  labels_builder b;
  std::string family;
  metadata described;
  const auto enter = [&](std::string next) {
    if (next != family)
      described = {};
    family = std::move(next);
  };
  for (auto e = p.next(); e != parse::entry::end && e != parse::entry::error; e = p.next()) {
    if (e == parse::entry::help) {
      enter(p.family());
      described.help = p.text();
    } else if (e == parse::entry::type) {
      enter(p.family());
      described.type = p.type();
    }
    if (e != parse::entry::series) {
      lines_.push_back({std::string(p.entry_text()), line::no_column});
      continue;
    }
    b.clear();
    if (!p.read_labels(b).ok())
      continue;
    lines_.push_back({std::string(p.series()), series_.size()});
    series_.push_back(b.build());
    described_.push_back(series_.back().metric_name().starts_with(family) ? described : metadata());
  }
}

histogram profile::native_value(size_t /*column*/, double /*observations*/) const {
  return {};
}

}  // namespace troupe::bench
