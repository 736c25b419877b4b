// What metric families are, as far as it is known. One owner.
#pragma once

#include "storage/model/batch.h"

#include <functional>
#include <map>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace troupe::send {

/// (family, metadata) pairs by family name; of several of a family the first counts.
using metadata_source = std::function<std::vector<std::pair<std::string, metadata>>()>;

class metadata_book {
 public:
  /// Adds what is new and replaces what has changed.
  void add(const std::vector<std::pair<std::string, metadata>>& all);
  void add(const std::vector<metadata_entry>& all);
  /// Of the family that a series of this name belongs to.
  const metadata& of(std::string_view metric) const;
  const std::map<std::string, metadata, std::less<>>& all() const { return families_; }

 private:
  std::map<std::string, metadata, std::less<>> families_;
};

}  // namespace troupe::send
