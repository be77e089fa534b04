namespace Tiebreak.MakeCheckpoint;

/// <summary>The sizes of a model, as configurations have them.</summary>
public sealed record ModelSize
{
    /// <summary>How many layers.</summary>
    public required int Layers { get; init; }

    /// <summary>Features of a token.</summary>
    public required int Width { get; init; }

    /// <summary>Heads of queries.</summary>
    public required int Heads { get; init; }

    /// <summary>Heads of keys and values, each shared by as many heads of queries.</summary>
    public required int SharedHeads { get; init; }

    /// <summary>Units of a feed-forward layer.</summary>
    public required int Inner { get; init; }

    /// <summary>Rows of the token table.</summary>
    public required int Vocabulary { get; init; }

    /// <summary>Experts of a layer; 0 where it has one feed-forward layer.</summary>
    public int Experts { get; init; }

    /// <summary>How many of them a token takes.</summary>
    public int Chosen { get; init; }

    /// <summary>Features of a head.</summary>
    public int HeadSize => Width / Heads;
}
