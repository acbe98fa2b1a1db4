//! What an application calls about its group, and the calls in which it waits for it.

use super::*;

impl Consumer {
    /// Reads what `to` says as a member of a group, from the next `poll()` on. A new
    /// subscription replaces the old one.
    ///
    /// # Panics
    /// If partitions were assigned by hand, or the consumer has been in another group.
    pub fn subscribe(&mut self, group: GroupId, to: Subscribe, turn: &mut Turn<'_>) {
        let is_manual = !self.is_subscribed() && self.positions.partitions().next().is_some();
        assert!(!is_manual, "partitions are assigned by hand or by the group");
        let (client, config) = (self.link.client(), self.config.clone());
        let client_id = self.client_id.clone();
        let own = self.group.get_or_insert_with(|| {
            Box::new(Group::new(client, group.clone(), client_id, config, turn))
        });
        assert_eq!(own.id, group, "a consumer has one group.id");
        match &to {
            Subscribe::Topics(topics) => {
                own.topics = topics.clone();
                own.topics.sort_unstable();
                own.topics.dedup();
                for &topic in topics {
                    self.link.add_topic(topic);
                }
            }
            Subscribe::Pattern(_) => self.link.metadata_mut().follow_all(),
        }
        own.subscription = Some(to);
    }

    /// Leaves the group; the listener may be called.
    ///
    /// # Panics
    /// If the application waits in another call.
    pub fn unsubscribe(&mut self, turn: &mut Turn<'_>) {
        self.assert_idle();
        self.prepare_to_leave(turn);
    }

    /// Goes on after the rebalance listener has returned.
    ///
    /// # Panics
    /// If it was not called.
    pub fn listened(&mut self, turn: &mut Turn<'_>) {
        self.on_listened(turn);
        self.go_on(turn);
    }

    /// Commits and waits; `None` commits the current positions. [`Returned::Committed`] tells
    /// how it ended.
    ///
    /// # Panics
    /// Without group, or while another call waits.
    pub fn commit_sync(
        &mut self,
        offsets: Option<Vec<(TopicPartition, OffsetAndMetadata)>>,
        turn: &mut Turn<'_>,
    ) -> CommitId {
        assert!(!self.is_blocking(), "a consumer is used by one thread");
        let offsets = offsets.unwrap_or_else(|| consumed(&self.positions));
        let until = turn.now + self.config.api_timeout;
        let group = self.group.as_mut().expect("commits need a group.id");
        group.commits.call_back(turn);
        let (commit, fact) = group.commits.make(CommitKind::Sync, offsets);
        let id = commit.id;
        group.note(fact, turn);
        group.commits.block(commit, until, turn.now);
        self.go_on(turn);
        id
    }

    /// Commits without waiting; `None` commits the current positions. The callback,
    /// [`Returned::Committed`], is called inside a later call.
    ///
    /// # Panics
    /// Without group, or while another call waits.
    pub fn commit_async(
        &mut self,
        offsets: Option<Vec<(TopicPartition, OffsetAndMetadata)>>,
        turn: &mut Turn<'_>,
    ) -> CommitId {
        assert!(!self.is_blocking(), "a consumer is used by one thread");
        let offsets = offsets.unwrap_or_else(|| consumed(&self.positions));
        let group = self.group.as_mut().expect("commits need a group.id");
        group.commits.call_back(turn);
        let (commit, fact) = group.commits.make(CommitKind::Async, offsets);
        let id = commit.id;
        group.note(fact, turn);
        group.commit_soon(commit, turn);
        self.serve_group(turn);
        id
    }

    /// Returns the good positions: the next record that the application gets, by partition.
    pub fn positions(&self) -> impl Iterator<Item = (TopicPartition, Offset)> {
        self.positions.consumed().map(|(tp, position)| (tp, position.offset))
    }

    /// Returns the assigned partitions, in order.
    pub fn assignment(&self) -> impl Iterator<Item = TopicPartition> {
        self.positions.partitions()
    }

    /// Returns the partition's high watermark as the last fetch told it.
    pub fn end_offset(&self, tp: TopicPartition) -> Option<Offset> {
        self.fetcher.end_offset(tp)
    }

    /// Finds the first offset at or after each time; [`Returned::Times`] tells.
    ///
    /// # Panics
    /// If the application waits in another call.
    pub fn offsets_for_times(
        &mut self,
        times: Vec<(TopicPartition, Timestamp)>,
        turn: &mut Turn<'_>,
    ) {
        self.assert_idle();
        for (tp, _) in &times {
            self.link.add_topic(tp.topic);
        }
        let until = turn.now + self.config.api_timeout;
        self.activity = Activity::Times(TimesCall::new(times, until), until);
        self.go_on(turn);
    }

    /// Hands over nothing of these partitions until they are resumed.
    pub fn pause(&mut self, partitions: &[TopicPartition], turn: &mut Turn<'_>) {
        let changed: Assignment = self.positions.set_paused(partitions, true).into();
        if !changed.is_empty() {
            self.note(MemberEvent::Paused(changed), turn);
        }
    }

    /// Hands over records of these partitions again.
    pub fn resume(&mut self, partitions: &[TopicPartition], turn: &mut Turn<'_>) {
        let changed: Assignment = self.positions.set_paused(partitions, false).into();
        if !changed.is_empty() {
            self.note(MemberEvent::Resumed(changed), turn);
        }
    }

    /// Lets the `poll()` in which the application waits throw, or else its next one.
    // Simplified: other calls that wait are not woken.
    pub fn wakeup(&mut self, turn: &mut Turn<'_>) {
        self.is_woken = true;
        self.go_on(turn);
    }

    /// A second thread calls `poll()`: it throws if the first one is inside the consumer.
    /// The application's own call goes on.
    // Simplified: between two calls of the first thread nothing is wrong with a second one;
    // it is taken to find nothing.
    pub fn poll_elsewhere(&mut self, turn: &mut Turn<'_>) {
        if self.activity != Activity::Idle || self.is_blocking() {
            self.note(MemberEvent::Threw(GroupError::ConcurrentUse), turn);
        }
    }

    /// Closes the consumer: commits if that is its habit, calls the listener, leaves the group
    /// and closes all connections. [`Returned::Closed`] tells; without a group at once.
    pub fn close(&mut self, turn: &mut Turn<'_>) {
        let until = turn.now + CLOSE_TIMEOUT;
        self.activity = Activity::Closing { until, stage: Closing::Committing };
        if self.config.auto_commit
            && self.is_subscribed()
            && let Some(group) = &mut self.group
        {
            let offsets = consumed(&self.positions);
            if !offsets.is_empty() {
                let (commit, fact) = group.commits.make(CommitKind::AutoOnClose, offsets);
                let until = until.min(turn.now + self.config.request_timeout);
                group.note(fact, turn);
                group.commits.block(commit, until, turn.now);
            }
        }
        self.go_on(turn);
    }

    /// Brings `close()` forward.
    ///
    /// Source: `ConsumerCoordinator.close`, `AbstractCoordinator.close`, Kafka 4.0.
    pub(super) fn close_on(&mut self, until: Time, stage: Closing, turn: &mut Turn<'_>) {
        let is_late = until <= turn.now;
        if stage == Closing::Committing
            && let Some(group) = &mut self.group
        {
            if group.commits.has_unfinished() && !is_late {
                return;
            }
            group.commits.call_back(turn);
            self.activity = Activity::Closing { until, stage: Closing::Leaving };
            self.prepare_to_leave(turn);
            if self.is_interrupted() {
                return;
            }
        }
        if stage != Closing::Awaiting && self.is_leaving_modern(turn) && !is_late {
            return;
        }
        if let Some(group) = &mut self.group {
            if group.coordinator.pending().next().is_some() && !is_late {
                return;
            }
            group.coordinator.close(turn);
        }
        self.link.close(turn);
        self.activity = Activity::Closed;
        turn.return_to_application(Returned::Closed);
    }

    /// Looks after membership and commits, as each round of `poll()` begins.
    ///
    /// Source: `ConsumerCoordinator.poll`, Kafka 4.0.
    pub(super) fn poll_group(&mut self, turn: &mut Turn<'_>) -> Standing {
        if std::mem::take(&mut self.is_woken) {
            self.note(MemberEvent::Threw(GroupError::Wakeup), turn);
            self.activity = Activity::Idle;
            turn.return_to_application(Returned::Threw);
            return Standing::Interrupted;
        }
        let Some(group) = &mut self.group else { return Standing::Member };
        group.commits.call_back(turn);
        if group.subscription.is_none() {
            return Standing::Member;
        }
        if let Membership::Classic(member) = &mut group.membership {
            member.on_poll(turn.now);
        }
        let standing = self.keep_membership(turn);
        if standing == Standing::Member {
            self.auto_commit(turn);
        }
        standing
    }

    /// Commits what earlier calls of `poll()` handed over, if it is time.
    fn auto_commit(&mut self, turn: &mut Turn<'_>) {
        let Some(group) = &mut self.group else { return };
        if group.commits.auto_at.is_none_or(|at| turn.now < at) {
            return;
        }
        if matches!(group.membership, Membership::Modern(_)) && group.commits.is_auto_in_flight {
            return;
        }
        group.commits.restart_auto(turn.now);
        let offsets = consumed(&self.positions);
        if !offsets.is_empty() {
            let (commit, fact) = group.commits.make(CommitKind::Auto, offsets);
            group.note(fact, turn);
            group.commit_soon(commit, turn);
        }
    }

    /// Returns when `poll()` has something to do for the group.
    pub(super) fn next_group_step(&self, now: Time) -> Option<Time> {
        let group = self.group.as_ref()?;
        let [again, join_at, prepare_until] = match &group.membership {
            Membership::Classic(member) => {
                let again = match member.preparation {
                    Preparation::CommitAgain(at) => Some(at),
                    _ => None,
                };
                [again, Some(member.join_at), member.prepare_until]
            }
            Membership::Modern(member) => [member.commit_again_at(), None, None],
        };
        let is_missing =
            !self.positions.are_good() && self.positions.initializing().next().is_some();
        let times = [
            group.commits.auto_at,
            again,
            join_at,
            is_missing.then_some(group.offsets_at),
            prepare_until,
        ];
        times.into_iter().flatten().filter(|&at| now < at).min()
    }

    /// Says whether it is a member of a group, or wants to be.
    pub(super) fn is_subscribed(&self) -> bool {
        self.group.as_ref().is_some_and(|group| group.subscription.is_some())
    }

    /// Says whether the application is in its listener, or waits for a commit.
    pub(super) fn is_interrupted(&self) -> bool {
        self.is_blocking() || self.group.as_ref().is_some_and(|group| group.listening.is_some())
    }

    pub(super) fn is_blocking(&self) -> bool {
        self.group.as_ref().is_some_and(|group| group.commits.is_blocking())
    }

    /// # Panics
    /// If the application waits in a call.
    pub(super) fn assert_idle(&self) {
        let is_idle = self.activity == Activity::Idle && !self.is_interrupted();
        assert!(is_idle, "a consumer is used by one thread");
    }

    pub(super) fn note(&self, what: MemberEvent, turn: &mut Turn<'_>) {
        turn.note(Fact::Member(MemberFact { client: self.link.client(), what }));
    }
}
