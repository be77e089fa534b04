namespace Tiebreak.Refinement;

/// <summary>Units whose incoming numbers nearly agree, though nothing holds them together.</summary>
/// <param name="Tensor">The weight that names them.</param>
/// <param name="Axis">Its axis.</param>
/// <param name="SlicesPerUnit">How many neighbouring slices along it are one unit; more than one for heads.</param>
/// <param name="Center">The unit that the others are near.</param>
/// <param name="Others">The others, ascending.</param>
/// <param name="Distance">
/// How far the farthest is from it: the largest, over what feeds the units, of ‖a − b‖ / max(‖a‖, ‖b‖). Numbers that are added (weights and their bias) are one vector there, factors count for themselves.
/// </param>
/// <param name="Tensors">All weights that feed them, <paramref name="Tensor"/> among them.</param>
public sealed record NearTie(string Tensor, int Axis, int SlicesPerUnit, int Center, IReadOnlyList<int> Others, double Distance, IReadOnlyList<string> Tensors)
{
    /// <summary>All units, ascending.</summary>
    public IReadOnlyList<int> Units => [.. Others.Append(Center).Order()];
}
