using Tiebreak.Programs;

namespace Tiebreak.Repairs.Merging;

/// <summary>Why units must stay though they are equal, each the end of a sentence about them.</summary>
static class PinReasons
{
    /// <summary>They are places of an output.</summary>
    public static string Output(string name) => $"`{name}` is an output of the model, so its size must stay";

    /// <summary>They are places of an input.</summary>
    public static string Input(string name) => $"`{name}` is an input of the model, so its size must stay";

    /// <summary>They meet numbers of the file place by place.</summary>
    public static string FixedNumbers(Node node) => $"{At(node)} has fixed numbers for each of them, which are not made smaller";

    /// <summary>All of the axis is looked at together.</summary>
    public static string Whole(Node node) => $"{At(node)} chooses among all of them, so that their number counts";

    /// <summary>The axis goes over into others in a way that is not followed place by place.</summary>
    public static string Mixed(Node node) => node.Origin is { } origin && (origin.Contains("(LRN)", StringComparison.Ordinal) || origin.Contains("LocalResponse", StringComparison.Ordinal))
        ? $"the local response normalisation of {origin} sums over neighbouring channels, so that no channel can be left out"
        : $"{At(node)} mixes this axis with others, or takes windows of it, so that none can be left out";

    /// <summary>What they feed cannot be added up.</summary>
    public static string NotLinear(Node node) => $"{At(node)} stands between them and the weights that would have to be added up";

    /// <summary>They are averaged over, or added without weights.</summary>
    public static string Counted(Node node) => $"{At(node)} adds them up without weights of their own, so that their number counts";

    /// <summary>They are places of an axis that becomes several.</summary>
    public const string TakenApart = "a reshape takes this axis apart into others, and they are no whole slices of those";

    /// <summary>Nothing is known but that it did not work.</summary>
    public const string Unknown = "no smaller network of the same operators was found that has them once";

    static string At(Node node) => node.Origin ?? "an operation of the model";
}
