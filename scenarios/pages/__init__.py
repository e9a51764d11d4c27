"""What every report shares: the style of pictures, and pages of HTML that hold all they show."""
