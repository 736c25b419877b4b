// host:port texts, as Go's net package takes them apart. Pure, any thread.
#pragma once

#include <string>
#include <string_view>

namespace troupe::templates {

/// The host of "host:port" and "[::1]:port"; any other text as it is.
std::string without_port(std::string_view address);
/// "host.example.com:9090" → "host:9090"; an IP address as it is.
std::string without_domain(std::string_view address);

}  // namespace troupe::templates
