"""The ``slack`` channel on slack_bolt; the class for credentials.yml is ``rolewise.channels.slack.channel.SlackChannel``."""
