// Quantiles, fractions and variance of native histograms. Pure functions; notes go to `notes`.
#pragma once

#include "query/engine/annotations.h"
#include "storage/model/histogram.h"

#include <string_view>

namespace troupe::query {

double native_quantile(double phi, const histogram& h, std::string_view metric_name,
                       position_range pos, annotations& notes);
double native_fraction(double lower, double upper, const histogram& h, std::string_view metric_name,
                       position_range pos, annotations& notes);
/// histogram_stdvar.
double native_variance(const histogram& h);

}  // namespace troupe::query
