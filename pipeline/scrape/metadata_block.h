// The HELP, TYPE and UNIT lines in front of a family's samples, gathered so that a change of one
// sends all of them. Views into a body; one owner.
#pragma once

#include "pipeline/parse/exposition.h"
#include "storage/model/batch.h"

#include <string_view>
#include <vector>

namespace troupe::scrape {

class metadata_block {
 public:
  /// A line of `kind` (help, type or unit). A second line of its kind, or samples before it, start
  /// a new block. Returns true if the block so far is complete and holds a new line: take `entries`
  /// before adding.
  bool ends_with(parse::entry kind) const {
    return has_new_ && (closed_ || !lines_[index_of(kind)].empty());
  }
  void add(parse::entry kind, std::string_view line, bool is_new) {
    if (closed_ || !lines_[index_of(kind)].empty())
      *this = metadata_block();
    lines_[index_of(kind)] = line;
    has_new_ = has_new_ || is_new;
  }
  /// Samples follow.
  void close() { closed_ = true; }
  bool has_new() const { return has_new_; }
  void clear() { *this = metadata_block(); }

  /// Parses the lines: usually one entry, more if they name different families.
  template <class Parser>
  std::vector<metadata_entry> entries() const {
    std::vector<metadata_entry> out;
    for (const auto line : lines_) {
      if (line.empty())
        continue;
      Parser p(line);
      const auto kind = p.next();
      const auto family = p.family();
      if (out.empty() || out.back().family != family)
        out.push_back({family, {}});
      auto& m = out.back().value;
      if (kind == parse::entry::help)
        m.help = p.text();
      else if (kind == parse::entry::type)
        m.type = p.type();
      else if (kind == parse::entry::unit)
        m.unit = p.text();
    }
    return out;
  }

 private:
  static size_t index_of(parse::entry kind) {
    return kind == parse::entry::help ? 0 : kind == parse::entry::type ? 1 : 2;
  }
  std::string_view lines_[3];
  bool has_new_ = false;
  bool closed_ = false;
};

}  // namespace troupe::scrape
