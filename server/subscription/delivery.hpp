#pragma once

#include <string>

#include "server/shard/services.hpp"
#include "server/subscription/subscription.hpp"

namespace beckon::server::subscription {

/// Sends the NOTIFY of `subscription` in its dialog: its kept head, then CSeq, Subscription-State and what
/// describes the body; the body itself is shared. `entity_tag` may be empty. Of a success
/// the outcome has no more than the status, unless the watcher may answer with rates (RFC 6446 9.3). Returns
/// its octets, without our Via.
std::uint32_t deliver(Sender& sender, const Subscription& subscription, const event::Notifier::Notify& notify,
                      const Content& content, std::string_view entity_tag, transaction::OnOutcome on_outcome);

}  // namespace beckon::server::subscription
