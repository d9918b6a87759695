#pragma once

#include "protocol/documents/reginfo.hpp"
#include "server/registrar/registrar.hpp"

namespace beckon::server::packages {

/// A binding as registration information shows it (RFC 3680 5.1), without GRUUs.
documents::RegisteredContact contact_of(const registrar::Binding& binding, registrar::BindingEvent event,
                                        Now now);

}  // namespace beckon::server::packages
