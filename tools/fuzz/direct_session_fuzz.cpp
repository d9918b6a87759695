#include <cstdlib>

#include "client/direct/claim.hpp"
#include "protocol/base/bytes.hpp"

using namespace beckon;

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const auto claims = client::direct::parse_claims(as_text({data, size}));
  if (claims.size() > client::direct::claim_values_max) std::abort();
  for (const auto& claim : claims)
    if (client::direct::parse_claims(print(claim)) != std::vector{claim}) std::abort();
  return 0;
}
