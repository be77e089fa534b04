namespace Tiebreak.Findings;

/// <summary>One thing worth telling a person, with its cause and its cure.</summary>
public sealed record Finding
{
    /// <summary>For instance <c>TB001</c>.</summary>
    public required string Rule { get; init; }

    /// <summary>For instance <c>lockstep-units</c>.</summary>
    public required string Name { get; init; }

    /// <summary>How bad it is.</summary>
    public required Level Level { get; init; }

    /// <summary>The first tensor concerned, if one is.</summary>
    public string? Tensor { get; init; }

    /// <summary>All tensors concerned, when there are several.</summary>
    public IReadOnlyList<string> Tensors { get; init; } = [];

    /// <summary>The axis of <see cref="Tensor"/> whose slices are meant, if they are slices.</summary>
    public int? Axis { get; init; }

    /// <summary>The slices along that axis (of the first group, when there are several); empty for whole tensors.</summary>
    public IReadOnlyList<int> Indices { get; init; } = [];

    /// <summary>The tokens of <see cref="Indices"/>, null for one without a token; empty where they are no rows of tokens or no tokenizer was given.</summary>
    public IReadOnlyList<string?> Tokens { get; init; } = [];

    /// <summary>Slices of several tensors that the finding is about, where <see cref="Indices"/> cannot say.</summary>
    public IReadOnlyList<UnitGroups> Places { get; init; } = [];

    /// <summary>One sentence of fact: no capital, no full stop, names in backticks.</summary>
    public required string Message { get; init; }

    /// <summary>The cause in words, one sentence.</summary>
    public required string Because { get; init; }

    /// <summary>What to do.</summary>
    public required string Fix { get; init; }

    /// <summary><c>proved</c>, or another word for less.</summary>
    public string Certainty { get; init; } = "proved";

    /// <summary>Whether another convention at a kink gives another verdict.</summary>
    public bool RestsOnKink { get; init; }

    /// <summary><c>zero</c>, <c>cancellation</c>, <c>data</c> or <c>law</c> for stuck parameters, else null.</summary>
    public string? StuckBy { get; init; }
}

/// <summary>How bad a finding is, in ascending order.</summary>
public enum Level
{
    /// <summary>Worth knowing.</summary>
    Note,

    /// <summary>Proved under a stated assumption, or harmless waste.</summary>
    Warning,

    /// <summary>Proved for any data, and harmful.</summary>
    Error,
}
