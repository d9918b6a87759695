#pragma once

#include <string>

#include "server/shard/services.hpp"
#include "server/subscription/subscription.hpp"

namespace beckon::server::subscription {

/// Sends the NOTIFY of `subscription` in its dialog: its kept head, then CSeq, Subscription-State and what
/// describes the body; the body itself is shared. Of a success the outcome has no more than the status.
void deliver(Sender& sender, const Subscription& subscription, const event::Notifier::Notify& notify,
             const Content& content, transaction::OnOutcome on_outcome);

}  // namespace beckon::server::subscription
