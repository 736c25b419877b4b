// Which selectors mean which region, and how a region's own series are asked for. A series is its
// own if its label "region" has the region's name, or if it has none. Pure functions.
#pragma once

#include "storage/model/matcher.h"
#include "storage/model/sample.h"

#include <optional>
#include <span>
#include <string>
#include <string_view>

namespace troupe::global {

inline constexpr std::string_view region_label = "region";

/// What selects of the region's own series those that `ms` means once they have its name as their
/// label; nothing if it means none of them. One matcher at least refuses "".
std::optional<matchers> own_matchers(std::span<const matcher> ms, const std::string& region);
/// `ms` without the series of these regions. "" stands for series that have no region.
matchers without_regions(std::span<const matcher> ms, std::span<const std::string> regions);
/// `ms` with the series that have this region's name alone; nothing if it means none of them.
std::optional<matchers> only_region(std::span<const matcher> ms, const std::string& region);

/// `{a="b",c=~"d"}`
std::string selector_text(std::span<const matcher> ms);
/// Unix seconds as parameters take them: "1700000000.5".
std::string seconds_text(timestamp_ms ts);

}  // namespace troupe::global
