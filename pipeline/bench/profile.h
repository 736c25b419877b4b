// What load consists of: the series of one host as exposition text and labels, and their values row
// by row. Profiles are immutable and shared; a value_source has one owner.
#pragma once

#include "pipeline/bench/recording.h"
#include "storage/base/result.h"
#include "storage/model/histogram.h"
#include "storage/model/labels.h"
#include "storage/model/sample.h"

#include <cstdint>
#include <memory>
#include <span>
#include <string>
#include <string_view>
#include <vector>

namespace troupe::bench {

/// The values of one host, one row after the other. Equal (profile, seed, host) give equal rows.
class value_source {
 public:
  virtual ~value_source() = default;
  /// The next row: one value per series of the profile.
  virtual void next(std::span<double> row) = 0;
};

class profile {
 public:
  virtual ~profile() = default;

  /// A piece of exposition text in order: comments (column no_column) or a series without value.
  struct line {
    static constexpr size_t no_column = static_cast<size_t>(-1);
    std::string text;  ///< a comment with its line break, or `name{labels}`
    size_t column = no_column;
  };
  /// "node", "busy", …
  const std::string& name() const { return name_; }
  const std::vector<line>& lines() const { return lines_; }
  /// Labels without job and instance, by column.
  const std::vector<labels>& series() const { return series_; }
  /// What the comments say of each, by column.
  const std::vector<metadata>& described() const { return described_; }
  size_t width() const { return series_.size(); }
  virtual std::unique_ptr<value_source> source(uint64_t seed, uint64_t host) const = 0;
  /// True if a value stands for a native histogram: the number of observations behind it.
  virtual bool native() const { return false; }
  /// The histogram of `column` after `observations`; grows with them bucket by bucket.
  virtual histogram native_value(size_t column, double observations) const;

 protected:
  /// Takes exposition text whose series have no values.
  profile(std::string name, const std::string& text);

 private:
  const std::string name_;
  std::vector<line> lines_;
  std::vector<labels> series_;
  std::vector<metadata> described_;
};

using profile_ptr = std::shared_ptr<const profile>;

/// The multiplied recording: each host starts at another row with other counter readings and adds
/// noise in each series' own quantum. `width` series (0: all), evenly chosen.
result<profile_ptr> make_recorded_profile(const recording& from, size_t width);
/// Synthetic profiles: "busy" (every series moves at every row), "walk16" (random walks with 16
/// significant digits), "classic" (histograms of 12 buckets), "native" (native histograms). `width`
/// series a host, 0: 500. invalid_argument for an unknown name.
result<profile_ptr> make_synthetic_profile(std::string_view name, size_t width);

}  // namespace troupe::bench
