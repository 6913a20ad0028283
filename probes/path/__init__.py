"""Where on the way a flow ends: experiments beside the ladders."""
